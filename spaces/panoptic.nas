// A panoptic network whose three tasks share a searched trunk, after Panoptic-DeepLab (Cheng et al., CVPR 2020):
// operators, expansions, widths and depths of the trunk, the fusions of the decoder, and whether classes and instances
// have one decoder or two. The space is ours; its trunk has the blocks of the mobile networks.
space panoptic(C = 16, stages = {2, 3, 4, 4}, classes = 19, H = 512, W = 1024) {
  input image: [3, H, W]

  block layer(x, c, stride = 1) {
    width e in {3, 4, 6}
    choose op in { k3: inverted_residual(k = 3), k5: inverted_residual(k = 5), k7: inverted_residual(k = 7) }
    return x >> op(c = c, mid = e * channels(x), stride = stride)
  }
  block stage(x, c, n) {
    y[1] = layer(x, c, 2)
    for i in 2..=n { y[i] = layer(y[i-1], c) }
    depth d in 1..=n
    return y[d]
  }
  f[1] = image >> conv_bn_relu(C, k = 3, stride = 2)
  for (i, n) in enumerate(stages) {                    // f[s] is the map at 1/2^s
    width w[i+2] in {4, 6, 8}                          // of the stage, in eighths of C * 2^s
    f[i+2] = stage(f[i+1], C * 2^(i+2) * w[i+2]/8, n)
  }

  block pyramid(x, c) {
    pooled = x >> global_avg_pool() >> conv(c, k = 1) >> relu() >> resize_like(x)
    wide = concat(x >> dw_sep_conv(c, k = 3, dilation = 3*i) for i in 1..=3)
    return concat(x >> conv_bn_relu(c, k = 1), wide, pooled) >> conv_bn_relu(c, k = 1)
  }
  block decoder(x, c) {
    y[5] = x >> pyramid(c)
    for s in {4, 3, 2} {
      choose fuse[s] in { k3: dw_sep_conv(k = 3), k5: dw_sep_conv(k = 5) }
      y[s] = concat(y[s+1] >> resize_like(f[s]), f[s] >> conv_bn_relu(c/4, k = 1)) >> fuse[s](c = c)
    }
    return y[2]
  }
  block one_decoder(x) {
    y = decoder(x, 8*C)
    return y, y
  }
  block two_decoders(x) {
    semantic = decoder(x, 8*C)
    instances = decoder(x, 8*C)
    return semantic, instances
  }
  choose split in {one_decoder, two_decoders}
  sem, ins = f[5] >> split()
  block out(x, c, n) = x >> dw_sep_conv(c, k = 5) >> conv(n, k = 1, bias = true) >> resize_like(image)

  task semantic = sem >> out(8*C, classes) {
    loss bootstrapped_cross_entropy(top = 0.2)
    metric miou
  }
  task center = ins >> out(2*C, 1) {
    loss mse()
    weight 200
  }
  task offset = ins >> out(2*C, 2) {                   // (dy, dx) to the centre, in pixels of the input
    loss l1()
    weight 0.01
  }
  predict panoptic(semantic, center, offset, threshold = 0.1, nms = 7, top_k = 200) { metric pq }
  require latency(ort_cpu, threads = 1) <= 180 ms and params <= 15 M

  preset largest {
    w[*] = max
    f[*].stage.d = max
    f[*].stage.y[*].layer.e = max
  }
  preset demo(C = 8, stages = {2, 2, 2, 2}, classes = 9, H = 96, W = 192) {
    require latency(ort_cpu, threads = 1) <= 2 ms
  }
}

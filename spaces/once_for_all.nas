// Once-for-All (Cai et al., ICLR 2020): five stages of two to four inverted residuals, each with a kernel of 3, 5 or
// 7 and an expansion of 3, 4 or 6, all served by one set of weights: kernels are the centres of 7x7 ones, expansions
// the first channels. ((3*3)^2 + (3*3)^3 + (3*3)^4)^5 architectures. Channels and strides are those of
// MobileNetV3-Large (Howard et al., ICCV 2019), on which the paper's space is built; its squeeze-and-excitation and
// hard swish are left out, and the image size, which the paper also varies, is a parameter.
space once_for_all(classes = 1000, size = 224) {
  input image: [3, size, size]

  block layer(x, c, stride = 1) {
    width e in {3, 4, 6}
    width k in {3, 5, 7}
    y = x >> conv_bn_relu(e * channels(x), k = 1) >> dw_conv_bn_relu(k = k, stride = stride) >> conv_bn(c, k = 1)
    return sum(x, y) if stride == 1 and channels(x) == c else y
  }
  block stage(x, c, stride) {
    y[1] = layer(x, c, stride)
    for i in 2..=4 { y[i] = layer(y[i-1], c) }
    depth d in 2..=4
    return y[d]
  }

  stem = image >> conv_bn_relu(16, k = 3, stride = 2)
  f[0] = sum(stem, stem >> dw_conv_bn_relu(k = 3) >> conv_bn(16, k = 1))
  for (s, c, stride) in { (1, 24, 2), (2, 40, 2), (3, 80, 2), (4, 112, 1), (5, 160, 2) } {
    f[s] = stage(f[s-1], c, stride)
  }
  task classify = f[5] >> conv_bn_relu(960, k = 1) >> global_avg_pool() >> conv(1280, k = 1) >> relu()
                    >> linear(classes) {
    loss cross_entropy(label_smoothing = 0.1)
    metric accuracy
  }
  require latency(ort_cpu) <= 10 ms

  preset largest {
    f[*].stage.d = max
    f[*].stage.y[*].layer.e = max
    f[*].stage.y[*].layer.k = max
  }
  preset smallest {
    f[*].stage.d = min
    f[*].stage.y[*].layer.e = min
    f[*].stage.y[*].layer.k = min
  }
}

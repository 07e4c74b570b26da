// Panoptic-DeepLab (Cheng et al., CVPR 2020) with ResNet-50, as the authors' PyTorch code has it: a network written as
// a space, with nothing to search. Two decoders, for the classes and for the instances; three heads.
from "std/backbones.nas" import resnet50

space panoptic_deeplab(classes = 19, output_stride = 16, head = 128, H = 1024, W = 2048) {
  input image: [3, H, W]     // the code crops 1025x2049, so that corners align at every scale; here strides must divide

  res[2], res[3], res[4], res[5] = image >> resnet50(output_stride)
  skips = {3, 2} if output_stride == 16 else {4, 3, 2}

  block aspp(x, c) {                                   // rates 6, 12, 18 at output stride 16 and 3, 6, 9 at 32
    atrous = concat(x >> conv_bn_relu(c, k = 3, dilation = 96/output_stride * i) for i in 1..=3)
    pooled = x >> global_avg_pool() >> conv(c, k = 1) >> relu() >> resize_like(x)
    return concat(x >> conv_bn_relu(c, k = 1), atrous, pooled) >> conv_bn_relu(c, k = 1) >> dropout(0.5)
  }
  block decoder(x, c, low) {                           // low: channels of the projected map at 1/4, twice as many below
    y[0] = x >> aspp(256)
    for (i, s) in enumerate(skips) {
      projected = res[s] >> conv_bn_relu(low * 2^(s-2), k = 1)
      y[i+1] = concat(y[i] >> resize_like(projected), projected) >> dw_sep_conv(c, k = 5)
    }
    return y[size(skips)]
  }
  block out(x, c, n) = x >> dw_sep_conv(c, k = 5) >> conv(n, k = 1, bias = true) >> resize_like(image)

  classes_map = decoder(res[5], 256, 32)
  instances_map = decoder(res[5], 128, 16)

  task semantic = classes_map >> out(256, classes) {
    loss bootstrapped_cross_entropy(top = 0.2)
    metric miou
  }
  task center = instances_map >> out(head, 1) {
    loss mse()
    weight 200
  }
  task offset = instances_map >> out(head, 2) {        // (dy, dx) to the centre, in pixels of the input
    loss l1()
    weight 0.01
  }
  predict panoptic(semantic, center, offset, threshold = 0.1, nms = 7, top_k = 200) { metric pq }

  preset os16 { }                                      // head = 128: what the code falls back to in this configuration
  preset os32(output_stride = 32, head = 32) { }
}
